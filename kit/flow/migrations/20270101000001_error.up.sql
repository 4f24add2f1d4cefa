-- What the current action said when it failed last: for an undo, message is why the run unwinds.
ALTER TABLE flow_runs ADD COLUMN error TEXT NOT NULL DEFAULT '';
