"""Models on a device: kept by content, switched in one step, tried beside the running one before they count."""
