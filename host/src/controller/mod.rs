//! Where the kernel runs: in this process or on a board.
