/**
 * The script of the page of the documentation: sends requests that are filled in on it, with the token that was given to
 * "Authorize". The token stays in the memory of the page; answers are shown as text, never as a page.
 */
export const DOCS_SCRIPT = `
let token = '';
const authorize = document.getElementById('authorize');
authorize.addEventListener('submit', (event) => {
  event.preventDefault();
  const input = authorize.querySelector('input');
  token = input.value.trim();
  input.value = '';
  authorize.querySelector('output').textContent = token === '' ? 'no token' : 'requests show your token';
});
for (const form of document.querySelectorAll('form.try')) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const answer = form.querySelector('pre');
    const headers = token === '' ? {} : { authorization: 'Bearer ' + token };
    const query = new URLSearchParams();
    let path = form.dataset.path;
    for (const input of form.querySelectorAll('input')) {
      if (input.value === '' && input.dataset.in !== 'path') continue;
      if (input.dataset.in === 'path') path = path.replace('{' + input.name + '}', encodeURIComponent(input.value));
      else if (input.dataset.in === 'query') query.append(input.name, input.value);
      else headers[input.name] = input.value;
    }
    const body = form.querySelector('textarea')?.value;
    if (body) headers['content-type'] = 'application/json';
    answer.textContent = '…';
    try {
      const suffix = query.size === 0 ? '' : '?' + query;
      const response = await fetch(path + suffix, { method: form.dataset.method, headers, ...(body && { body }) });
      answer.textContent = response.status + ' ' + response.statusText + '\\n' + (await response.text()).slice(0, 100000);
    } catch (err) {
      answer.textContent = String(err);
    }
  });
}`;
