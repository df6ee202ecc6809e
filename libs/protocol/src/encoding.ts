/** How `data` is to be read: as text, or as hexadecimal digits, two to the byte. */
export type Encoding = 'string' | 'binary';

/** Keys and values as they travel: tagged text. Nothing is known yet about whether `data` is valid. */
export interface EncodedData {
  readonly encoding: Encoding;
  readonly data: string;
}
