/** Published weights of Silero VAD. */
@NullMarked
package io.github.stillgate.importers.silero;

import org.jspecify.annotations.NullMarked;
