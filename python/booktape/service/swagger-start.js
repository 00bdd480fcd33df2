// Swagger UI's start, as a file: a page without scripts of its own needs no exception to "scripts come as files".
SwaggerUIBundle({
	url: '/docs/openapi.json',
	dom_id: '#swagger',
	deepLinking: true,
	presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
	layout: 'BaseLayout'
});
