/** Makes every server that a test starts answer through Express, because servers inherit the variable. */
process.env['KVS_NO_FAST_LANE'] = 'true';
