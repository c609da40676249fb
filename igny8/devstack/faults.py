"""Why the development stack cannot be had."""


class StackFault(Exception):
    """Told to the developer as it is: what is wrong and what to do, without a stack."""
