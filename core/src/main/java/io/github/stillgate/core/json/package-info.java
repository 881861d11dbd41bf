/** Strict JSON for the rooms that read files; not exported. */
@NullMarked
package io.github.stillgate.core.json;

import org.jspecify.annotations.NullMarked;
