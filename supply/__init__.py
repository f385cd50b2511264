"""What Wenju is made of by others: lock files, known flaws, licences. Nothing here is installed."""
