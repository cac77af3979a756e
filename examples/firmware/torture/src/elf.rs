//! How large the parts of a program are, from the section headers of its ELF file of 32 bits.

use crate::Failure;

/// The sections that lie in flash on a board.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Instructions.
    pub text: u64,
    /// Constants, and the table of interrupts.
    pub constants: u64,
    /// Variables with and without a first value.
    pub variables: u64,
}

const ALLOCATED: u32 = 2;
const WRITABLE: u32 = 1;
const EXECUTABLE: u32 = 4;

impl Sizes {
    /// Reads the sections of `elf`.
    pub fn of(elf: &[u8]) -> Result<Self, Failure> {
        if elf.get(..5) != Some(b"\x7FELF\x01") {
            return Err("not an ELF file of 32 bits".into());
        }
        let (table, size, count) = (word(elf, 0x20)?, half(elf, 0x2E)?, half(elf, 0x30)?);
        let mut sizes = Self::default();
        for section in 0..count {
            let at = table as usize + usize::from(size) * usize::from(section);
            let (flags, bytes) = (word(elf, at + 8)?, u64::from(word(elf, at + 20)?));
            if flags & ALLOCATED == 0 {
                continue;
            }
            match (flags & EXECUTABLE != 0, flags & WRITABLE != 0) {
                (true, _) => sizes.text += bytes,
                (false, false) => sizes.constants += bytes,
                (false, true) => sizes.variables += bytes,
            }
        }
        Ok(sizes)
    }
}

fn word(elf: &[u8], at: usize) -> Result<u32, Failure> {
    let bytes = elf.get(at..).and_then(|rest| rest.first_chunk());
    Ok(u32::from_le_bytes(*bytes.ok_or("the ELF file ends early")?))
}

fn half(elf: &[u8], at: usize) -> Result<u16, Failure> {
    let bytes = elf.get(at..).and_then(|rest| rest.first_chunk());
    Ok(u16::from_le_bytes(*bytes.ok_or("the ELF file ends early")?))
}
