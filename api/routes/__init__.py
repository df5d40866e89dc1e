"""A router per resource; each handler is thin and runs in a thread, so that none blocks the event loop."""
