"""What any room may lean on: checks of arguments, whole files, tables of results, statistics."""
