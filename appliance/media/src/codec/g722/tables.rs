//! The numbers of the recommendation (ITU-T G.722, clause 6.2).

/// Decision levels of the lower band's 6-bit quantizer (table 14), without the first, which is 0.
pub(super) const LEVELS_LOWER: [i16; 29] = [
    35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219, 1339,
    1458, 1612, 1765, 1980, 2195, 2557, 2919,
];

/// The codes between the decision levels, of negative and of positive differences (table 14).
pub(super) const CODES_LOWER_NEGATIVE: [u8; 30] =
    [63, 62, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4];
pub(super) const CODES_LOWER_POSITIVE: [u8; 30] = [
    61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33,
    32,
];

/// The decision level of the upper band's 2-bit quantizer.
pub(super) const LEVEL_UPPER: i16 = 564;

/// What each 6-bit code stands for (tables 17 and 18). The four codes that are never sent stand for the smallest level.
pub(super) const INVERSE_6: [i16; 64] = [
    -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360, -8576,
    -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040,
    -728, 24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
    4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
];

/// What the upper four bits of a code stand for.
pub(super) const INVERSE_4: [i16; 16] =
    [0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0];

/// What each 2-bit code stands for.
pub(super) const INVERSE_2: [i16; 4] = [-7408, -1616, 7408, 1616];

/// What the upper four bits of a lower code add to the logarithm of the scale factor.
pub(super) const LOGARITHM_LOWER: [i16; 16] =
    [-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60];

/// What an upper code adds to the logarithm of the scale factor.
pub(super) const LOGARITHM_UPPER: [i16; 4] = [798, -214, 798, -214];

/// 2¹¹ · 2^(n/32): the inverse logarithms of the scale factors.
pub(super) const MANTISSAS: [i16; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834, 2896, 2960, 3025,
    3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];

/// Every second coefficient of the 24-tap filters that split and join the bands (table 11); the others are the same in
/// reverse.
pub(super) const FILTER: [i16; 12] = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11];
