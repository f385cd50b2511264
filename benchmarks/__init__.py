"""Scripts behind every number that the README quotes."""
