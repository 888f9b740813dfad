#include "inference/bills.h"

namespace toll::inference {

namespace {
constexpr std::size_t all_of_them = 1'000'000;
}

Result<Bill> Bills::open(sql::Tx& tx, const NewBill& wanted) const {
  Bill bill{random_.uuid4(), wanted.price, wanted.price.micros > 0};
  if (!bill.held) return bill;
  const auto hold = TOLL_TRY(ledger_.hold(tx, wanted.account, wanted.price, "Inference: " + wanted.model, bill.id));
  const auto now = clock_.now();
  tx.exec(
      "INSERT INTO inference_calls (id, account_id, hold_id, model, lease_until, created_at) "
      "VALUES ($1, $2, $3, $4, $5, $6)",
      bill.id, wanted.account, hold, wanted.model, now + wanted.lease, now);
  return bill;
}

Result<void> Bills::settle(sql::Tx& tx, const Bill& bill) const {
  if (!bill.held) return {};
  const auto row = tx.one("DELETE FROM inference_calls WHERE id = $1 RETURNING hold_id", bill.id);
  if (!row) return Fault(Reason::internal).because("inference call " + bill.id + " was given up while it ran");
  ledger_.capture(tx, HoldId(row->integer(0)));
  return {};
}

void Bills::release(sql::Tx& tx, const Bill& bill) const {
  if (!bill.held) return;
  const auto row = tx.one("DELETE FROM inference_calls WHERE id = $1 RETURNING hold_id, model", bill.id);
  if (row) ledger_.release(tx, HoldId(row->integer(0)), "Refund: Inference: " + row->text(1));
}

std::size_t Bills::recover(sql::Tx& tx) const {
  return release_before(tx, tx.engine() == sql::Engine::sqlite ? Time::max() : clock_.now(), all_of_them);
}

std::size_t Bills::sweep(sql::Tx& tx, std::size_t limit) const {
  return release_before(tx, clock_.now(), limit);
}

std::size_t Bills::release_before(sql::Tx& tx, Time time, std::size_t limit) const {
  const auto rows = tx.query(
      "DELETE FROM inference_calls WHERE id IN (SELECT id FROM inference_calls WHERE lease_until <= $1 "
      "ORDER BY lease_until LIMIT $2) RETURNING hold_id, model",
      time, limit);
  for (const auto& row : rows) ledger_.release(tx, HoldId(row.integer(0)), "Refund: Inference: " + row.text(1));
  return rows.size();
}

}  // namespace toll::inference
