/**
 * Strict JSON for the rooms that read and write files, on a streaming parser; not exported. {@link
 * io.github.stillgate.core.json.StrictJson} reads, {@link io.github.stillgate.core.json.JsonNode}
 * is what it reads.
 */
@NullMarked
package io.github.stillgate.core.json;

import org.jspecify.annotations.NullMarked;
