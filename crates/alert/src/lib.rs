//! Pure: findings and time in, decisions with reasons out.
