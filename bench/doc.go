// Package bench measures the portal against what is possible on the same
// machine in the same minute. Absolute figures of a machine that others use
// swing by half; ratios of servers that take turns hold. `make bench` runs it in
// full and prints one table; the tests run it for a moment, to see that it still
// works.
//
// Each server is a process of its own, built from one commit. In each round all
// of them are loaded one after the other, in an order that changes; what counts
// is the median over the rounds of the ratio to the floor of the same round. The
// floor runs twice, under two names: where those two differ by more than a tenth
// in the median, the run says nothing and fails.
package bench
