-- What runs after the end of an execution stands among its items, with negative ordinals: "armed" until then, tried again at due_at.
ALTER TABLE execution_items ADD COLUMN due_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX execution_items_due ON execution_items (due_at) WHERE state = 'waiting' AND due_at > 0;
