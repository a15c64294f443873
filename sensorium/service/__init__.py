"""The HTTP service: one library, asked over HTTP."""
