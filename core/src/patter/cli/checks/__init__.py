"""What ``patter doctor`` looks at: each check in a module of its own, none changes anything."""
