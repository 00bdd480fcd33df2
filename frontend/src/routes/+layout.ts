// The page is a static file that reads everything from the service it was served by.
export const ssr = false;
