"""The front door: command line, configuration, and the one place where rooms are wired together."""

__version__ = "0.1.0"
