"""The GraphQL of this domain, a file each for plans and for credits."""
