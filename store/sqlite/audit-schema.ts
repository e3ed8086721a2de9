/**
 * The records as text, and beside it what is searched for, computed from the text so that the two cannot differ. The
 * triggers keep this program, and whoever opens the file with a shell, from changing what was written: a record can only
 * follow the last one, and goes only together with all before it, once the anchor has the last of these.
 */
export const AUDIT_SCHEMA = `
CREATE TABLE IF NOT EXISTS audit (
  seq INTEGER PRIMARY KEY, record TEXT NOT NULL, hash TEXT NOT NULL,
  user TEXT AS (record ->> '$.user') VIRTUAL, action TEXT AS (record ->> '$.action') VIRTUAL,
  object TEXT AS (record ->> '$.object') VIRTUAL, code TEXT AS (record ->> '$.code') VIRTUAL,
  uid TEXT AS (record ->> '$.uid') VIRTUAL, time TEXT AS (record ->> '$.time') VIRTUAL) STRICT;
CREATE INDEX IF NOT EXISTS audit_user ON audit (user, seq);
CREATE INDEX IF NOT EXISTS audit_object ON audit (object, seq);
CREATE INDEX IF NOT EXISTS audit_code ON audit (code, seq) WHERE code IS NOT NULL;
CREATE INDEX IF NOT EXISTS audit_uid ON audit (uid, action) WHERE uid IS NOT NULL;
CREATE TABLE IF NOT EXISTS audit_anchor (seq INTEGER PRIMARY KEY, hash TEXT NOT NULL) STRICT;
CREATE TRIGGER IF NOT EXISTS audit_insert BEFORE INSERT ON audit
  WHEN NEW.seq IS NOT 1 + coalesce((SELECT max(seq) FROM audit), (SELECT max(seq) FROM audit_anchor), 0)
  BEGIN SELECT raise(ABORT, 'audit records can only be added at the end'); END;
CREATE TRIGGER IF NOT EXISTS audit_update BEFORE UPDATE ON audit
  BEGIN SELECT raise(ABORT, 'audit records cannot be changed'); END;
CREATE TRIGGER IF NOT EXISTS audit_delete BEFORE DELETE ON audit
  WHEN OLD.seq > coalesce((SELECT max(seq) FROM audit_anchor), 0)
  BEGIN SELECT raise(ABORT, 'audit records cannot be deleted'); END;
CREATE TRIGGER IF NOT EXISTS anchor_insert BEFORE INSERT ON audit_anchor
  WHEN NOT EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq AND hash = NEW.hash)
    OR NEW.seq >= (SELECT max(seq) FROM audit) OR NEW.seq <= coalesce((SELECT max(seq) FROM audit_anchor), 0)
  BEGIN SELECT raise(ABORT, 'an anchor is the last of the records that are removed, and never the newest'); END;
CREATE TRIGGER IF NOT EXISTS anchor_update BEFORE UPDATE ON audit_anchor
  BEGIN SELECT raise(ABORT, 'anchors cannot be changed'); END;
CREATE TRIGGER IF NOT EXISTS anchor_delete BEFORE DELETE ON audit_anchor
  BEGIN SELECT raise(ABORT, 'anchors cannot be deleted'); END;
PRAGMA user_version = 1;
`;
