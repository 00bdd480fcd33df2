try {
	const theme = localStorage.getItem('booktape.theme');
	if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
	// Storage is blocked: the system's theme it is.
}
