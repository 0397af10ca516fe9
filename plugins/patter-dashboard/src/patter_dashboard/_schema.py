"""The tables of the index; what changes here changes VERSION, and the index is made anew."""

from __future__ import annotations

from patter_dashboard.rows import COLUMNS

VERSION = 1
NAME = f"dashboard.{VERSION}.sqlite3"
"""Of the file in the log root: a Patter of another version has its own."""
OLDER = "dashboard.*.sqlite3*"
_TYPES = {
    "started": "INTEGER NOT NULL",
    "duration_ms": "INTEGER",
    "turns": "INTEGER NOT NULL",
    "interruptions": "INTEGER NOT NULL",
    "gap_p50_ms": "INTEGER",
    "gap_p95_ms": "INTEGER",
    "gap_max_ms": "INTEGER",
    "answers": "INTEGER NOT NULL",
    "response_ms": "INTEGER NOT NULL",
    "cost_usd": "REAL",
    "known_usd": "REAL",
    "cost_stt": "REAL",
    "cost_llm": "REAL",
    "cost_tts": "REAL",
    "cost_telephony": "REAL",
    "recorded": "INTEGER NOT NULL",
    "erased": "INTEGER NOT NULL",
}
_CALL = ", ".join(f"{name} {_TYPES.get(name, 'TEXT')}" for name in COLUMNS)
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS calls (
  key INTEGER PRIMARY KEY, place TEXT NOT NULL UNIQUE, sign INTEGER NOT NULL,
  deleted INTEGER NOT NULL DEFAULT 0, {_CALL});
CREATE INDEX IF NOT EXISTS calls_by_time ON calls (started DESC, key DESC);
CREATE INDEX IF NOT EXISTS calls_by_id ON calls (id);
CREATE TABLE IF NOT EXISTS turns (call INTEGER PRIMARY KEY, numbers BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS tools (call INTEGER NOT NULL, name TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS tools_of ON tools (call);
CREATE INDEX IF NOT EXISTS tools_by_name ON tools (name, call);
CREATE TABLE IF NOT EXISTS providers (
  call INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, usd REAL);
CREATE INDEX IF NOT EXISTS providers_of ON providers (call);
CREATE INDEX IF NOT EXISTS providers_by_name ON providers (name, call);
CREATE TABLE IF NOT EXISTS failures (
  call INTEGER NOT NULL, code TEXT NOT NULL, at INTEGER NOT NULL, message TEXT, fix TEXT);
CREATE INDEX IF NOT EXISTS failures_of ON failures (call);
CREATE INDEX IF NOT EXISTS failures_by_time ON failures (at);
CREATE TABLE IF NOT EXISTS removed (id TEXT PRIMARY KEY);
CREATE VIRTUAL TABLE IF NOT EXISTS words
  USING fts5(text, tokenize = 'unicode61 remove_diacritics 2');
"""
OF_CALL = ("turns", "tools", "providers", "failures")
"""Tables with rows of a call."""
