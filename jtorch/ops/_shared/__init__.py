"""What operators of several families share; declares nothing."""
