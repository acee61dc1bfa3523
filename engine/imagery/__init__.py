"""Images of any sensor: reading with radiometry kept, checking folders, pairing, the decoded cache."""
