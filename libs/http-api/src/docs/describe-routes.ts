import 'reflect-metadata';

/**
 * Decorates a controller for OpenAPI documents, apart from its declaration: the decorators of swagger take long to load, so a
 * module that calls this is loaded with the first request for the document.
 *
 * @param all decorators for all routes of the controller
 * @param each decorators for its methods, in the order of a declaration
 */
export function describeRoutes<T extends object>(
  controller: abstract new (...args: never[]) => T,
  all: ClassDecorator[],
  each: { readonly [name in keyof T]?: MethodDecorator[] },
): void {
  const prototype: object = controller.prototype;
  for (const [name, decorators = []] of Object.entries<MethodDecorator[] | undefined>(each))
    Reflect.decorate(decorators, prototype, name, Object.getOwnPropertyDescriptor(prototype, name));
  Reflect.decorate(all, controller);
}
