"""Views, other shapes of the same elements, joining and copying."""
