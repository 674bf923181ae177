"""Real workers, a real broker and a real database under load, while all of them are killed, stopped and stalled."""
