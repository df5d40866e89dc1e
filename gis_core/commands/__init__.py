"""The commands of `wangge`, a module each."""
