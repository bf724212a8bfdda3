package clinical

// Page asks for one page of a list by keyset: First forward after After, or
// Last backward before Before. Exactly one of First and Last is above zero.
type Page struct {
	First, Last   int
	After, Before string // opaque cursors; "" for the start or the end
}

// Slice is one page of a list.
type Slice[T any] struct {
	Items []T
	// Cursors holds the cursor of each item, in the same order.
	Cursors          []string
	HasNext, HasPrev bool
	// Total is the exact count, when it was asked for; -1 otherwise.
	Total int
}
