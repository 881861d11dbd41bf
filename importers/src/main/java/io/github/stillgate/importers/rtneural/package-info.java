/** Networks in the JSON of RTNeural, of GuitarML, and of PyTorch state dicts. */
@NullMarked
package io.github.stillgate.importers.rtneural;

import org.jspecify.annotations.NullMarked;
