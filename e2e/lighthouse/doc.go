// Package lighthouse measures every page with Lighthouse, as part of `make
// soak`; its test is built with the tag soak alone. It is not part of the
// product.
package lighthouse
