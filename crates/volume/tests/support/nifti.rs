//! NIfTI files made by hand, field by field, so that the reader is not tested against the writer only.

/// Byte order of a file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Order {
    Little,
    Big,
}

/// The fields of a header that tests vary.
#[derive(Clone, Debug)]
pub struct Fields {
    pub order: Order,
    pub dim: [i64; 8],
    pub datatype: i16,
    pub pixdim: [f64; 8],
    pub slope: f64,
    pub intercept: f64,
    pub units: u8,
    pub qform_code: i16,
    pub sform_code: i16,
    pub quaternion: [f64; 3],
    pub qoffset: [f64; 3],
    pub sform: [[f64; 4]; 3],
    pub offset: f64,
    pub magic: [u8; 4],
}

impl Fields {
    /// A 3 x 2 x 2 image in mm with the identity as sform, RAS.
    pub fn new(order: Order, datatype: i16) -> Self {
        Self {
            order,
            dim: [3, 3, 2, 2, 1, 1, 1, 1],
            datatype,
            pixdim: [1.0, 1.5, 2.0, 2.5, 0.0, 0.0, 0.0, 0.0],
            slope: 0.0,
            intercept: 0.0,
            units: 2,
            qform_code: 0,
            sform_code: 1,
            quaternion: [0.0; 3],
            qoffset: [0.0; 3],
            sform: [[1.5, 0.0, 0.0, 10.0], [0.0, 2.0, 0.0, 20.0], [0.0, 0.0, 2.5, 30.0]],
            offset: 352.0,
            magic: *b"n+1\0",
        }
    }

    /// NIfTI-1 header and empty extension, 352 bytes.
    pub fn nifti1(&self) -> Vec<u8> {
        let mut file = Bytes { bytes: vec![0; 352], order: self.order };
        file.put(0, 348_i32.to_le_bytes());
        for i in 0..8 {
            file.put(40 + 2 * i, (self.dim[i] as i16).to_le_bytes());
            file.put(76 + 4 * i, (self.pixdim[i] as f32).to_le_bytes());
        }
        file.put(70, self.datatype.to_le_bytes());
        file.put(108, (self.offset as f32).to_le_bytes());
        file.put(112, (self.slope as f32).to_le_bytes());
        file.put(116, (self.intercept as f32).to_le_bytes());
        file.put(123, [self.units]);
        file.put(252, self.qform_code.to_le_bytes());
        file.put(254, self.sform_code.to_le_bytes());
        for i in 0..3 {
            file.put(256 + 4 * i, (self.quaternion[i] as f32).to_le_bytes());
            file.put(268 + 4 * i, (self.qoffset[i] as f32).to_le_bytes());
            for j in 0..4 {
                file.put(280 + 16 * i + 4 * j, (self.sform[i][j] as f32).to_le_bytes());
            }
        }
        file.bytes[344..348].copy_from_slice(&self.magic);
        file.bytes
    }

    /// NIfTI-2 header and empty extension, 544 bytes.
    pub fn nifti2(&self) -> Vec<u8> {
        let mut file = Bytes { bytes: vec![0; 544], order: self.order };
        file.put(0, 540_i32.to_le_bytes());
        file.bytes[4..12].copy_from_slice(b"n+2\0\r\n\x1a\n");
        file.put(12, self.datatype.to_le_bytes());
        for i in 0..8 {
            file.put(16 + 8 * i, self.dim[i].to_le_bytes());
            file.put(104 + 8 * i, self.pixdim[i].to_le_bytes());
        }
        file.put(168, 544_i64.to_le_bytes());
        file.put(176, self.slope.to_le_bytes());
        file.put(184, self.intercept.to_le_bytes());
        file.put(344, i32::from(self.qform_code).to_le_bytes());
        file.put(348, i32::from(self.sform_code).to_le_bytes());
        for i in 0..3 {
            file.put(352 + 8 * i, self.quaternion[i].to_le_bytes());
            file.put(376 + 8 * i, self.qoffset[i].to_le_bytes());
            for j in 0..4 {
                file.put(400 + 32 * i + 8 * j, self.sform[i][j].to_le_bytes());
            }
        }
        file.put(500, i32::from(self.units).to_le_bytes());
        file.bytes
    }
}

struct Bytes {
    bytes: Vec<u8>,
    order: Order,
}

impl Bytes {
    fn put<const N: usize>(&mut self, at: usize, mut little: [u8; N]) {
        if self.order == Order::Big {
            little.reverse();
        }
        self.bytes[at..at + N].copy_from_slice(&little);
    }
}

/// The bytes of `0, 1, 2, …` in a datatype's encoding; 12 values.
pub fn counting(datatype: i16, order: Order) -> Vec<u8> {
    let encode = |i: u8| -> Vec<u8> {
        match datatype {
            2 | 256 => vec![i],
            4 | 512 => i16::from(i).to_le_bytes().to_vec(),
            8 | 768 => i32::from(i).to_le_bytes().to_vec(),
            16 => f32::from(i).to_le_bytes().to_vec(),
            64 => f64::from(i).to_le_bytes().to_vec(),
            1024 | 1280 => i64::from(i).to_le_bytes().to_vec(),
            _ => panic!("datatype {datatype}"),
        }
    };
    (0..12)
        .flat_map(|i| {
            let mut bytes = encode(i);
            if order == Order::Big {
                bytes.reverse();
            }
            bytes
        })
        .collect()
}
