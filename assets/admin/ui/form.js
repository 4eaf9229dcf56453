// A form that shows what the server says about it: at its fields, or above them.
import { html, Component, createRef } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { errorText } from '/admin/assets/ui/components.js';
import { FormError } from '/admin/assets/ui/form-fields.js';

const defaultRetryAfter = 60; // seconds

/**
 * A text for each field at fault; `form` for the form as a whole.
 * @typedef {Record<string, string>} FormErrors
 */

/** @returns {FormErrors} */
export function formErrors(error) {
  if (error.code === 'wrong_password') return { password: t.form.wrongPassword };
  if (error.code === 'too_many_requests') return { form: tooManyText(error) };
  if (error.code !== 'validation_error' || !Array.isArray(error.detail)) return { form: errorText(error) };
  const fault = (field, type) => t.form.faults[type] ?? t.form.fieldFaults[field] ?? t.error.other;
  return Object.fromEntries(error.detail.map(({ loc, type }) => [loc.at(-1), fault(loc.at(-1), type)]));
}

export function tooManyText(error) {
  return t.form.tooMany(error.retryAfter ?? defaultRetryAfter);
}

/**
 * Errors for the fields that are empty; null if none is.
 * @param {Record<string, string>} values by field
 * @returns {FormErrors | null}
 */
export function missingFields(values) {
  const empty = Object.keys(values).filter((name) => !values[name].trim());
  return empty.length ? Object.fromEntries(empty.map((name) => [name, t.form.missing])) : null;
}

/**
 * Its fields are its children. The first one gets the focus, and after errors the first that is at fault.
 * @extends {Component<{errors: FormErrors, busy: boolean, submit: string, onSubmit: () => void, focusFirst?: boolean, actions?: any, children?: any}>}
 */
export class Form extends Component {
  element = createRef();

  componentDidMount() {
    if (this.props.focusFirst !== false && !this.focusInvalid()) this.element.current.querySelector('input:not([hidden])')?.focus();
  }

  componentDidUpdate(previous) {
    if (previous.errors !== this.props.errors) this.focusInvalid();
  }

  focusInvalid() {
    const field = this.element.current.querySelector('[aria-invalid]');
    field?.focus();
    field?.select();
    return field !== null;
  }

  onSubmit = (event) => {
    event.preventDefault();
    if (!this.props.busy) this.props.onSubmit();
  };

  /** @param {Form['props']} props */
  render({ errors, busy, submit, actions, children }) {
    return html`<form ref=${this.element} class="form" onSubmit=${this.onSubmit} novalidate>
      <${FormError} error=${errors.form} />
      ${children}
      <div class="form-actions">
        <button type="submit" class="button primary" disabled=${busy}>${busy ? t.form.busy : submit}</button>
        ${actions}
      </div>
    </form>`;
  }
}
