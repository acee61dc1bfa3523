"""Source models of others and models of this program's own: opening, recognising, cutting, adapting, saving."""
