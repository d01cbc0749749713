"""How often somebody may ask: per user, per credential and per address."""
