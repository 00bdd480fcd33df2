/// <reference types="@sveltejs/kit" />

// The style sheet of a font has no types of its own.
declare module '@fontsource-variable/inter';
