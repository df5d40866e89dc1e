"""Reading and checking what users bring, writing what they take."""
