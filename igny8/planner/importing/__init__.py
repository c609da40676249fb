"""Keywords out of the files of other tools, however large: read in pieces, understood by their headers."""
