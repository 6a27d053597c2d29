"""One admission plugin per file, under upstream's name."""
