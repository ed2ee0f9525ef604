//! A share of the cases, so that the jobs of an array divide them among themselves.

/// Part `number` of `count`, counted from 1: every `count`-th case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 1 to `count`.
    pub number: usize,
    /// Number of parts.
    pub count: usize,
}

impl Shard {
    /// Reads `2/8`; a sentence that says what was expected if it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let shard = text.split_once('/').and_then(|(number, count)| {
            Some(Self { number: number.trim().parse().ok()?, count: count.trim().parse().ok()? })
        });
        shard
            .filter(|shard| (1..=shard.count).contains(&shard.number))
            .ok_or_else(|| "expected PART/PARTS, such as 2/8, with PART from 1 to PARTS".to_owned())
    }

    /// Its share of the items, whose order every part must see alike.
    pub fn of<T>(self, items: Vec<T>) -> Vec<T> {
        items.into_iter().skip(self.number - 1).step_by(self.count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_make_up_the_whole_without_overlap() {
        let items: Vec<usize> = (0..11).collect();
        let mut all: Vec<usize> = (1..=4).flat_map(|number| Shard { number, count: 4 }.of(items.clone())).collect();
        all.sort_unstable();
        assert_eq!(all, items);
        assert_eq!(Shard { number: 3, count: 5 }.of(vec![0, 1]), [0; 0]);
    }

    #[test]
    fn parts_are_counted_from_one() {
        assert_eq!(Shard::parse("2/8"), Ok(Shard { number: 2, count: 8 }));
        for wrong in ["0/8", "9/8", "1", "a/b", "1/0", "-1/2", ""] {
            assert!(Shard::parse(wrong).unwrap_err().contains("such as 2/8"), "{wrong}");
        }
    }
}
