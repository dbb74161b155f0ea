package simulator

// ring is a queue that forgets its oldest items; each has the number under which it was put in, and numbers ascend. Its
// zero value is empty.
type ring[T any] struct {
	items       []numbered[T] // a power of two of them
	oldest, end int           // how many were taken out, and put in, since the beginning
}

type numbered[T any] struct {
	number int
	item   T
}

func (r *ring[T]) len() int { return r.end - r.oldest }

func (r *ring[T]) at(i int) *numbered[T] { return &r.items[(r.oldest+i)&(len(r.items)-1)] }

// push puts an item in.
func (r *ring[T]) push(number int, item T) {
	if r.len() == len(r.items) {
		more := make([]numbered[T], max(64, 2*len(r.items)))
		for i := range r.len() {
			more[i] = *r.at(i)
		}
		r.items, r.oldest, r.end = more, 0, r.len()
	}
	r.end++
	*r.at(r.len() - 1) = numbered[T]{number, item}
}

// pop takes the oldest out.
func (r *ring[T]) pop() T {
	slot := r.at(0)
	item := slot.item
	*slot = numbered[T]{}
	r.oldest++
	return item
}

// find returns the place of the first item whose number is not below n.
func (r *ring[T]) find(n int) int {
	low, high := 0, r.len()
	for low < high {
		if middle := (low + high) / 2; r.at(middle).number < n {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}
