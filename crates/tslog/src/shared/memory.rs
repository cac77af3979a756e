//! Memory in sizes that a log's header asks for, which nobody vouches for.

use std::io;

/// Up to here the machine is asked for nothing out of the ordinary.
const USUAL: usize = 64 * 1024;

/// Zeroed memory, or an error where `vec!` would end the process. It is not written to, so that
/// what is never used takes no room.
///
/// # Errors
/// [`io::ErrorKind::OutOfMemory`].
pub(super) fn zeroed(size: usize) -> io::Result<Vec<u8>> {
    if size > USUAL {
        Vec::<u8>::new().try_reserve_exact(size).map_err(|_| {
            let what = format!("records of this size need {size} bytes of memory at once");
            io::Error::new(io::ErrorKind::OutOfMemory, what)
        })?;
    }
    Ok(vec![0; size])
}

#[cfg(test)]
mod tests {
    use super::zeroed;

    #[test]
    fn memory_that_is_not_there_is_an_error_and_not_the_end_of_the_process() {
        let refused = zeroed(isize::MAX as usize).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::OutOfMemory);
        assert_eq!(zeroed(3).unwrap(), [0; 3]);
    }
}
