-- Calls of models are paid when their outputs are there, in one transaction: nothing is on hold for them meanwhile, and no
-- row tells of them. What servers before this one left on hold goes back.
INSERT INTO ledger_entries (account_id, kind, amount, balance_after, description, reference, hold_id, created_at)
SELECT held.account_id, 'release', -held.amount,
  CAST(a.balance - sum(held.amount) OVER (PARTITION BY held.account_id ORDER BY held.id) AS BIGINT),
  'Refund: Inference: ' || c.model, held.reference, held.id, c.created_at
FROM inference_calls c
JOIN ledger_entries held ON held.id = c.hold_id
JOIN credit_accounts a ON a.account_id = held.account_id
ORDER BY held.id;
UPDATE credit_accounts SET balance = balance - sums.total, held = held + sums.total
FROM (SELECT h.account_id AS account, CAST(sum(h.amount) AS BIGINT) AS total FROM inference_calls c JOIN ledger_entries h ON h.id = c.hold_id
  GROUP BY h.account_id) AS sums
WHERE account_id = sums.account;
DROP TABLE inference_calls;
