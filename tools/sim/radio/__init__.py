"""The Bluetooth radio between simulated boards and phones. `World.radio` is the way to it; it needs `bumble`."""
