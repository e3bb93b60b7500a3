"""What a user can put right: the command line prints these in one line instead of a traceback."""


class InputError(ValueError):
    """A file, a folder or a choice that cannot be used; the message names it, what was expected and what was found."""
