// Package e2e walks through the portal the way its users do: the real binary,
// started as its own process on a free port, and a real Chromium with an empty
// profile. It shows what only a whole browser can show, and nothing that a
// lower layer shows as well. It is not part of the product: the folder holds
// tests, the browser harness (chrome) and the program that takes the
// documentation's pictures (shots).
//
// Elements are found by what users see (headings, labels, the words on links
// and buttons) and by the contract (form actions, field names, addresses),
// never by a style sheet's class names.
package e2e
