/**
 * Published facts, as hexadecimal. `RFC 8032` section 7.1; `Wycheproof` eddsa_test.json (C2SP, key
 * 1, by tcId); the points and orders that "Taming the many EdDSAs" (2020) calls edge cases.
 */
export interface Vector {
  name: string;
  key: string;
  message: string;
  signature: string;
  valid: boolean;
}

const RFC8032: Vector[] = [
  [
    'RFC 8032 test 1',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    'RFC 8032 test 2',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'RFC 8032 test 3',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
  [
    'RFC 8032 test SHA(abc)',
    'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    'dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704',
  ],
].map(([name = '', key = '', message = '', signature = '']) => ({
  name,
  key,
  message,
  signature,
  valid: true,
}));

const WYCHEPROOF_KEY = '7d4d0e7f6153a69b6242b522abbee685fda4420f8834b108c3bdae369ef549fa';

/** [tcId, comment, message, signature, valid] */
const WYCHEPROOF: [number, string, string, string, boolean][] = [
  [
    1,
    'valid',
    '',
    'd4fbdb52bfa726b44d1786a8c0d171c3e62ca83c9e5bbe63de0bb2483f8fd6cc1429ab72cafc41ab56af02ff8fcc43b99bfe4c7ae940f60f38ebaa9d311c4007',
    true,
  ],
  [
    2,
    'valid',
    '78',
    'd80737358ede548acb173ef7e0399f83392fe8125b2ce877de7975d8b726ef5b1e76632280ee38afad12125ea44b961bf92f1178c9fa819d020869975bcbe109',
    true,
  ],
  [
    3,
    'valid',
    '54657374',
    '7c38e026f29e14aabd059a0f2db8b0cd783040609a8be684db12f82a27774ab07a9155711ecfaf7f99f277bad0c6ae7e39d4eef676573336a5c51eb6f946b30d',
    true,
  ],
  [
    4,
    'valid',
    '48656c6c6f',
    '1c1ad976cbaae3b31dee07971cf92c928ce2091a85f5899f5e11ecec90fc9f8e93df18c5037ec9b29c07195ad284e63d548cd0a6fe358cc775bd6c1608d2c905',
    true,
  ],
  [
    5,
    'valid',
    '313233343030',
    '657c1492402ab5ce03e2c3a7f0384d051b9cf3570f1207fc78c1bcc98c281c2bf0cf5b3a289976458a1be6277a5055545253b45b07dcc1abd96c8b989c00f301',
    true,
  ],
  [
    6,
    'valid',
    '000000000000000000000000',
    'd46543bfb892f84ec124dcdfc847034c19363bf3fc2fa89b1267833a14856e52e60736918783f950b6f1dd8d40dc343247cd43ce054c2d68ef974f7ed0f3c60f',
    true,
  ],
  [
    9,
    'valid',
    'ffffffffffffffffffffffffffffffff',
    '5dbd7360e55aa38e855d6ad48c34bd35b7871628508906861a7c4776765ed7d1e13d910faabd689ec8618b78295c8ab8f0e19c8b4b43eb8685778499e943ae04',
    true,
  ],
  [30, 'empty signature', '54657374', '', false],
  [
    31,
    's missing',
    '54657374',
    '7c38e026f29e14aabd059a0f2db8b0cd783040609a8be684db12f82a27774ab0',
    false,
  ],
  [
    32,
    'signature too short',
    '54657374',
    '7c38e026f29e14aabd059a0f2db8b0cd783040609a8be684db12f82a27774ab07a9155711ecfaf7f99f277bad0c6ae7e39d4eef676573336a5c51eb6f946',
    false,
  ],
  [
    33,
    'signature too long',
    '54657374',
    '7c38e026f29e14aabd059a0f2db8b0cd783040609a8be684db12f82a27774ab07a9155711ecfaf7f99f277bad0c6ae7e39d4eef676573336a5c51eb6f946b30d2020',
    false,
  ],
  [
    34,
    'key in signature',
    '54657374',
    '7c38e026f29e14aabd059a0f2db8b0cd783040609a8be684db12f82a27774ab07a9155711ecfaf7f99f277bad0c6ae7e39d4eef676573336a5c51eb6f946b30d7d4d0e7f6153a69b6242b522abbee685fda4420f8834b108c3bdae369ef549fa',
    false,
  ],
  [
    35,
    '0 byte before signature',
    '54657374',
    '007c38e026f29e14aabd059a0f2db8b0cd783040609a8be684db12f82a27774ab07a9155711ecfaf7f99f277bad0c6ae7e39d4eef676573336a5c51eb6f946b30d',
    false,
  ],
  [
    37,
    '0 byte after signature',
    '54657374',
    '7c38e026f29e14aabd059a0f2db8b0cd783040609a8be684db12f82a27774ab07a9155711ecfaf7f99f277bad0c6ae7e39d4eef676573336a5c51eb6f946b30d00',
    false,
  ],
  [
    38,
    'a 0 byte removed',
    '546573743137',
    '93de3ca252426c95f735cb9edd92e83321ac62372d5aa5b379786bae111ab6b17251330e8f9a7c30d6993137c596007d7b001409287535ac4804e662bc58a3',
    false,
  ],
  [
    42,
    'bit 0 of R',
    '313233343030',
    '647c1492402ab5ce03e2c3a7f0384d051b9cf3570f1207fc78c1bcc98c281c2b1d125e5538f38afbcc1c84e489521083041d24bc6240767029da063271a1ff0c',
    false,
  ],
  [
    45,
    'bit 7 of R',
    '313233343030',
    'e57c1492402ab5ce03e2c3a7f0384d051b9cf3570f1207fc78c1bcc98c281c2bbb3eb51cd98dddb235a5f46f2bded6af184a58d09cce928bda43f41d69118a03',
    false,
  ],
  [
    60,
    'R is 0',
    '313233343030',
    '0000000000000000000000000000000000000000000000000000000000000000e0b8e7770d51c7a36375d006c5bffd6af43ff54aaf47e4330dc118c71d61ec02',
    false,
  ],
  [
    61,
    'R is no point',
    '313233343030',
    'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff463a1908382e7eb7693acef9884f7cf931a215e0791876be22c631a59881fd0e',
    false,
  ],
  [
    62,
    'all bits of R',
    '313233343030',
    '9a83eb6dbfd54a31fc1d3c580fc7b2fae4630ca8f0edf803873e433673d7e3d40e94254586cb6188c5386c3febed477cb9a6cb29e3979adc4cb27cf5278fb70a',
    false,
  ],
  [
    63,
    'malleability: S + L',
    '54657374',
    '7c38e026f29e14aabd059a0f2db8b0cd783040609a8be684db12f82a27774ab067654bce3832c2d76f8f6f5dafc08d9339d4eef676573336a5c51eb6f946b31d',
    false,
  ],
  [
    64,
    'malleability',
    '54657374',
    '7c38e026f29e14aabd059a0f2db8b0cd783040609a8be684db12f82a27774ab05439412b5395d42f462c67008eba6ca839d4eef676573336a5c51eb6f946b32d',
    false,
  ],
  [
    65,
    'malleability',
    '54657374',
    '7c38e026f29e14aabd059a0f2db8b0cd783040609a8be684db12f82a27774ab02ee12ce5875bf9dff26556464bae2ad239d4eef676573336a5c51eb6f946b34d',
    false,
  ],
  [
    66,
    'malleability',
    '54657374',
    '7c38e026f29e14aabd059a0f2db8b0cd783040609a8be684db12f82a27774ab0e2300459f1e742404cd934d2c595a6253ad4eef676573336a5c51eb6f946b38d',
    false,
  ],
  [
    67,
    'malleability',
    '54657374',
    '7c38e026f29e14aabd059a0f2db8b0cd783040609a8be684db12f82a27774ab07a9155711ecfaf7f99f277bad0c6ae7e39d4eef676573336a5c51eb6f946b32d',
    false,
  ],
  [
    68,
    'malleability',
    '54657374',
    '7c38e026f29e14aabd059a0f2db8b0cd783040609a8be684db12f82a27774ab07a9155711ecfaf7f99f277bad0c6ae7e39d4eef676573336a5c51eb6f946b34d',
    false,
  ],
  [
    69,
    'malleability',
    '54657374',
    '7c38e026f29e14aabd059a0f2db8b0cd783040609a8be684db12f82a27774ab07a9155711ecfaf7f99f277bad0c6ae7e39d4eef676573336a5c51eb6f946b38d',
    false,
  ],
  [
    70,
    'malleability',
    '54657374',
    '7c38e026f29e14aabd059a0f2db8b0cd783040609a8be684db12f82a27774ab0679155711ecfaf7f99f277bad0c6ae7e39d4eef676573336a5c51eb6f946b38d',
    false,
  ],
];

const ZERO = '00'.repeat(32);
const ONE = `01${'00'.repeat(31)}`;
const ORDER = 'edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010';
const ORDER_LESS_ONE = 'ecd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010';
const PRIME = `ed${'ff'.repeat(30)}7f`;

/**
 * Wycheproof's tcIds 10 to 29, "special values for r and s", are these pairs on the message "?".
 */
const SPECIAL: Vector[] = [ZERO, ONE, ORDER, PRIME].flatMap((r) =>
  [ZERO, ONE, ORDER_LESS_ONE, ORDER, PRIME].map((s) => ({
    name: `Wycheproof special values: R ${r.slice(0, 4)}…, S ${s.slice(0, 4)}…`,
    key: WYCHEPROOF_KEY,
    message: '3f',
    signature: r + s,
    valid: false,
  })),
);

export const VECTORS: readonly Vector[] = [
  ...RFC8032,
  ...WYCHEPROOF.map(([tcId, comment, message, signature, valid]) => ({
    name: `Wycheproof ${tcId}: ${comment}`,
    key: WYCHEPROOF_KEY,
    message,
    signature,
    valid,
  })),
  ...SPECIAL,
];

/** y of points whose order divides 8, canonical and past the prime: R of hostile signatures. */
export const SMALL_ORDER_POINTS: readonly string[] = [
  ZERO,
  ONE,
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
];
export const GROUP_ORDER = BigInt(`0x${Buffer.from(ORDER, 'hex').reverse().toString('hex')}`);
